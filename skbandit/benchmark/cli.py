"""The command line: ``skbandit demo``."""

import argparse
import sys
from pathlib import Path

from .. import __version__

_COLUMNS = {
    "regret": "regret",
    "regret_std": "+/-",
    "regret_percent": "% of uniform",
    "reward": "reward/round",
    "decision_us": "us/decision",
    "learning_us": "us/update",
}
_DECIMALS = {"reward": 3}


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    status : int
        0 if all went well, 1 if the plot could not be written, 130 if interrupted; argparse exits
        with 2 on wrong arguments.
    """
    parser = _make_parser()
    args = parser.parse_args(argv)
    try:
        return _demo(args, parser)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _make_parser():
    parser = argparse.ArgumentParser(
        prog="skbandit", description="Contextual bandits as scikit-learn estimators."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo = commands.add_parser(
        "demo",
        help="play four bandits on real data, print a table and draw their regret",
        description=(
            "Play LinearUCB, LinearThompsonSampling, a greedy and a uniform policy on the shuttle "
            "data (58,000 rows, 9 features, 7 arms; it comes with the package): the arm of the "
            "right class pays 1, the others 0. Print regret and time, and draw the regret curves."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument("--rounds", type=_positive, default=2000, help="rounds in a repeat")
    demo.add_argument("--batch-size", type=_positive, default=1, help="rounds decided at once")
    demo.add_argument("--repeats", type=_positive, default=5, help="repeats, each on other rows")
    demo.add_argument("--seed", type=_seed, default=0, help="seed of rows and draws")
    demo.add_argument("--output", type=Path, default="regret.png", help="where to draw the curves")
    demo.add_argument("--no-plot", action="store_true", help="print the table only")
    demo.add_argument(
        "--jobs", type=int, default=1, help="runs at the same time; -1 for all cores"
    )
    return parser


def _positive(text):
    value = int(text) if text.strip().isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return value


def _seed(text):
    value = int(text) if text.strip().isdecimal() else -1
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0 to 2**32 - 1, got {text!r}"
        )
    return value


def _demo(args, parser):
    # Imported here so that --help and wrong arguments answer at once.
    from sklearn.preprocessing import StandardScaler

    from ..datasets import load_shuttle
    from ..environments import ClassificationEnvironment
    from ..linear import LinearThompsonSampling, LinearUCB
    from ..selectors import EpsilonGreedySelector
    from . import simulate, summarize

    X, y = load_shuttle(return_X_y=True)
    if args.rounds > len(y):
        parser.error(f"argument --rounds: the data have {len(y)} rows, got {args.rounds}")
    if args.jobs == 0:
        parser.error("argument --jobs: must not be 0; -1 means all cores")
    if not args.no_plot:
        _check_output(args.output, parser)
    environment = ClassificationEnvironment(StandardScaler().fit_transform(X), y)
    bandits = {
        "LinearUCB": LinearUCB(),
        "LinearThompsonSampling": LinearThompsonSampling(),
        "greedy": LinearUCB(alpha=0.0),
        "uniform": LinearUCB(selector=EpsilonGreedySelector(epsilon=1.0)),
    }
    print(
        f"Shuttle data, standardised: {X.shape[1]} features, {len(environment.arms)} arms. "
        f"{args.rounds} rounds, {args.repeats} repeats, seed {args.seed}."
    )
    results = simulate(
        bandits,
        environment,
        args.rounds,
        batch_size=args.batch_size,
        n_repeats=args.repeats,
        random_state=args.seed,
        n_jobs=args.jobs,
    )
    print(_format(summarize(results)))
    return 0 if args.no_plot else _draw(results, args.output)


def _check_output(path, parser):
    """Refuse at once what would fail after the run."""
    if path.is_dir() or not path.parent.is_dir():
        what = "is a directory" if path.is_dir() else "lies in a directory that does not exist"
        parser.error(f"argument --output: {str(path)!r} {what}")


def _format(table):
    shown = table[list(_COLUMNS)].copy()
    for name in shown:
        decimals = _DECIMALS.get(name, 1)
        shown[name] = [f"{value:,.{decimals}f}" for value in shown[name]]
    shown.index.name = None
    return shown.rename(columns=_COLUMNS).to_string()


def _draw(results, path):
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        print(
            "No plot: matplotlib is not installed. Install it (pip install matplotlib) and run "
            "again, or use --no-plot.",
            file=sys.stderr,
        )
        return 0
    from . import RegretDisplay

    # A figure of its own, without pyplot: no display is needed and no window opens.
    figure = Figure(figsize=(12, 5), layout="constrained")
    FigureCanvasAgg(figure)
    everyone, learners = figure.subplots(1, 2)
    RegretDisplay.from_results(results, ax=everyone)
    names = [name for name in results["policy"].unique() if name != "uniform"]
    RegretDisplay.from_results(results, policies=names, ax=learners)
    learners.set(title="without the uniform policy", ylabel="")
    everyone.set_title("all policies")
    figure.suptitle("Shuttle data: mean over repeats, and the middle 80 % of them shaded")
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        print(f"The plot could not be written to {path}: {error}", file=sys.stderr)
        return 1
    print(f"Regret curves: {path}")
    return 0
