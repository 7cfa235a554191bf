"""A case: its name, its story in a line, and the function that plays it on a fresh host."""
import host


class Case:
    def __init__(self, name, story, play, waits, slow, given):
        self.name, self.story, self.play = name, story, play
        self.waits, self.slow, self.given = waits, slow, given

    def run(self):
        h = host.Host(**self.given)
        try:
            self.play(h)
            host.equal(h.process.poll(), None, "the daemon ended:")
        finally:
            h.process.terminate()
            h.process.wait()


def family():
    """(CASES, the decorator that fills it). waits: it mostly sleeps. slow: minutes; "slowest": many."""
    cases = {}

    def case(name, story, waits=False, slow=False, **given):
        def take(play):
            host.check(name not in cases, "two cases of one name:", name)
            cases[name] = Case(name, story, play, waits, slow, given)
            return play
        return take
    return cases, case
