"""What a test says about itself."""


class Skip(Exception):
    """Raised by a test that cannot run here; the text is the reason."""


def topology(*names):
    """The test runs once in each of these (default: split)."""

    def mark(function):
        function.topologies = names
        return function

    return mark


def params(*values, **named):
    """The test takes a second argument and runs once for each value. With names, the names are
    what is printed: @params(loose=2, strict=1)."""

    def mark(function):
        function.params = [(str(v), v) for v in values] + list(named.items())
        return function

    return mark


def needs(*what):
    """`root`: root of the machine, not of a user namespace. `tool:NAME`: a program in the path.
    `sysctl:NAME`: that switch exists. `program:NAME`: one of ours is built."""

    def mark(function):
        function.needs = getattr(function, "needs", ()) + what
        return function

    return mark


def timeout(seconds):
    """The test may take this long (default 60)."""

    def mark(function):
        function.timeout = seconds
        return function

    return mark


def alone(function):
    """Nothing of the lab runs beside this test: it keeps the machine busy."""
    function.alone = True
    return function


def timed(function):
    """It measures times: nothing of the lab runs beside it, and its processes get the
    processor before all others of the machine, as far as that is allowed."""
    function.alone = function.first = True
    return function
