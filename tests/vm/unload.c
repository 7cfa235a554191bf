/* unload MODULE: removes a kernel module, as rmmod does. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	if (argc == 2 && syscall(SYS_delete_module, argv[1], O_NONBLOCK) == 0)
		return 0;
	perror("unload");
	return 1;
}
