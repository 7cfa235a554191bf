/* wg_time RUNS COMMAND…: runs the command so often, its output thrown away, and prints the medians of
 * wall time and CPU time (microseconds) and of the largest resident set (KiB). */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, by_size);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double us(struct timeval t)
{
	return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

int main(int argc, char *argv[])
{
	int runs = argc > 2 ? atoi(argv[1]) : 0, status;
	posix_spawn_file_actions_t quiet;
	struct timespec begin, end;
	struct rusage used;
	double *wall, *cpu, *rss;
	pid_t pid;

	if (runs <= 0)
		return 2;
	wall = calloc((size_t)runs * 3, sizeof *wall);
	if (!wall)
		return 2;
	cpu = wall + runs;
	rss = cpu + runs;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (getenv("WG_TIME_STDIN"))
		posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, getenv("WG_TIME_STDIN"), O_RDONLY, 0);
	for (int i = 0; i < runs; i++) {
		clock_gettime(CLOCK_MONOTONIC, &begin);
		if (posix_spawn(&pid, argv[2], &quiet, NULL, argv + 2, environ) != 0)
			return 2;
		wait4(pid, &status, 0, &used);
		clock_gettime(CLOCK_MONOTONIC, &end);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			fprintf(stderr, "wg_time: %s: status %d\n", argv[2], status);
			return 1;
		}
		wall[i] = (double)(end.tv_sec - begin.tv_sec) * 1e6 + (double)(end.tv_nsec - begin.tv_nsec) / 1e3;
		cpu[i] = us(used.ru_utime) + us(used.ru_stime);
		rss[i] = (double)used.ru_maxrss;
	}
	printf("%.0f %.0f %.0f\n", median(wall, runs), median(cpu, runs), median(rss, runs));
	return 0;
}
