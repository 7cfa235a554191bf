"""Cases of the other modules, repeated with offloads disabled: the code paths for kernels that lack them."""
import abuse
import cookies
import data
import garbage
import inner
import responder
from case import case_list

CASES, case = case_list()
ALL_OFFLOADS = "vnet,tso,uso,join,segment,gro,mmsg"


def repeat_without(name, of, off):
    case(name, f"{of.name} without {off.replace(',', ' ')}: {of.title}", off=off)(of.function)


repeat_without("o01", abuse.CASES["g06"], ALL_OFFLOADS)
repeat_without("o02", abuse.CASES["g06"], "gro")
repeat_without("o03", abuse.CASES["d27"], "join")
repeat_without("o04", inner.CASES["e02"], ALL_OFFLOADS)
repeat_without("o05", inner.CASES["e01"], "segment")
repeat_without("o06", responder.CASES["h02"], ALL_OFFLOADS)
repeat_without("o07", garbage.CASES["g01"], "mmsg")
repeat_without("o08", data.CASES["d25"], "mmsg,segment")
repeat_without("o09", cookies.CASES["c01"], ALL_OFFLOADS)
repeat_without("o10", abuse.CASES["g07"], "vnet,mmsg")
