/* known: the name of the AEAD implementation that this machine uses; exit status 0 if the known answers are right. */
#include <stdio.h>

#include "crypto/crypto.h"

int main(void)
{
	puts(crypto_impl_name("aead"));
	return !crypto_self_test();
}
