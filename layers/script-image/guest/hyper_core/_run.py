"""Facts of the run, and its result."""

_missing = object()
_start: dict = {"run_id": "", "argv": [], "input": None, "dry_run": False}
_result = _missing


class _Run:
    """`run.id`, `run.argv` (without the file's name), `run.input` and `run.dry_run` of this run."""

    @property
    def id(self):
        return _start["run_id"]

    @property
    def argv(self):
        return list(_start["argv"])

    @property
    def input(self):
        return _start["input"]

    @property
    def dry_run(self):
        return _start["dry_run"]

    def __repr__(self):
        return f"<run {self.id}>"


run = _Run()


def set_result(value):
    """Makes `value` the run's result; the last call counts, and it wins over a trailing expression."""
    global _result
    _result = value


def begin(start):
    global _start, _result
    _start, _result = start, _missing


def has_result():
    return _result is not _missing


def result():
    return _result
