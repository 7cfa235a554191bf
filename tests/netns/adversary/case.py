"""A test case: its name, its title, and the function that runs it on a fresh host."""
import host


class Case:
    def __init__(self, name, title, function, waits, slow, host_options):
        self.name, self.title, self.function = name, title, function
        self.waits, self.slow, self.host_options = waits, slow, host_options

    def run(self):
        h = host.Host(**self.host_options)
        try:
            self.function(h)
            host.equal(h.process.poll(), None, "the daemon ended:")
        finally:
            h.process.terminate()
            h.process.wait()


def case_list():
    """(CASES, the decorator that adds to it). waits: the case mostly sleeps. slow: it takes minutes; "slowest": ten."""
    cases = {}

    def case(name, title, waits=False, slow=False, **host_options):
        def register(function):
            host.check(name not in cases, "duplicate case:", name)
            cases[name] = Case(name, title, function, waits, slow, host_options)
            return function
        return register
    return cases, case
