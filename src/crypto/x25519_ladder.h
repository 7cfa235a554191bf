/* The step of the Montgomery ladder (RFC 7748 section 5) and the inverse at its end, over whichever
 * field was included before: fe and its operations. */
#ifndef WG_X25519_LADDER_H
#define WG_X25519_LADDER_H

#include "impl.h"

static fe fe_square_times(fe a, int n)
{
	for (; n > 0; n--)
		a = fe_square(a);
	return a;
}

/* a^(2^255 - 21): the inverse, and 0 of 0. */
static fe fe_invert(fe a)
{
	fe a2 = fe_square(a);
	fe a9 = fe_mul(fe_square_times(a2, 2), a);
	fe a11 = fe_mul(a9, a2);
	fe x5 = fe_mul(fe_square(a11), a9); /* a^(2^5 - 1), and so on */
	fe x10 = fe_mul(fe_square_times(x5, 5), x5);
	fe x20 = fe_mul(fe_square_times(x10, 10), x10);
	fe x40 = fe_mul(fe_square_times(x20, 20), x20);
	fe x50 = fe_mul(fe_square_times(x40, 10), x10);
	fe x100 = fe_mul(fe_square_times(x50, 50), x50);
	fe x200 = fe_mul(fe_square_times(x100, 100), x100);
	fe x250 = fe_mul(fe_square_times(x200, 50), x50);

	return fe_mul(fe_square_times(x250, 5), a11);
}

struct ladder {
	fe x2, z2, x3, z3;
};

/* (x2 : z2) doubled and (x3 : z3) the sum of both, whose difference is x1. */
always_inline void ladder_step(struct ladder *l, const fe *x1)
{
	fe a = fe_add(l->x2, l->z2), b = fe_sub(l->x2, l->z2);
	fe c = fe_add(l->x3, l->z3), d = fe_sub(l->x3, l->z3);
	fe da = fe_mul(d, a), cb = fe_mul(c, b);
	fe aa = fe_square(a), bb = fe_square(b);
	fe e = fe_sub(aa, bb);

	l->x3 = fe_square(fe_add(da, cb));
	l->z3 = fe_mul(fe_square(fe_sub(da, cb)), *x1);
	l->x2 = fe_mul(aa, bb);
	l->z2 = fe_mul(e, fe_add(aa, fe_mul_small(e, 121665)));
}

#endif
