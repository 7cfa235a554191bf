"""Cases of the others again, on the ways that are taken where the kernel offers less."""
import abuse
import cookies
import data
import garbage
import inner
import responder
from case import family

CASES, case = family()
EVERYTHING = "vnet,tso,uso,join,segment,gro,mmsg"


def again(name, of, off):
    case(name, f"{of.name} without {off.replace(',', ' ')}: {of.story}", off=off)(of.play)


again("o01", abuse.CASES["g06"], EVERYTHING)
again("o02", abuse.CASES["g06"], "gro")
again("o03", abuse.CASES["d27"], "join")
again("o04", inner.CASES["e02"], EVERYTHING)
again("o05", inner.CASES["e01"], "segment")
again("o06", responder.CASES["h02"], EVERYTHING)
again("o07", garbage.CASES["g01"], "mmsg")
again("o08", data.CASES["d25"], "mmsg,segment")
again("o09", cookies.CASES["c01"], EVERYTHING)
again("o10", abuse.CASES["g07"], "vnet,mmsg")
