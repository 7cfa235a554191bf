/* wg_time RUNS PROGRAM OTHER ARGUMENT…: runs the two programs alternately with these arguments, RUNS times each, with
 * output to /dev/null and input from $WG_TIME_STDIN. Prints for each the medians of wall time and CPU time (µs) and of
 * the peak resident set (KiB). */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
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

struct samples {
	double *wall, *cpu, *rss;
};

static bool samples_init(struct samples *s, int runs)
{
	s->wall = calloc((size_t)runs * 3, sizeof *s->wall);
	s->cpu = s->wall + runs;
	s->rss = s->cpu + runs;
	return s->wall != NULL;
}

static bool run_once(struct samples *s, int i, char *argv[], const posix_spawn_file_actions_t *quiet)
{
	struct timespec begin, end;
	struct rusage used;
	int status;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (posix_spawn(&pid, argv[0], quiet, NULL, argv, environ) != 0)
		return false;
	wait4(pid, &status, 0, &used);
	clock_gettime(CLOCK_MONOTONIC, &end);
	s->wall[i] = (double)(end.tv_sec - begin.tv_sec) * 1e6 + (double)(end.tv_nsec - begin.tv_nsec) / 1e3;
	s->cpu[i] = us(used.ru_utime) + us(used.ru_stime);
	s->rss[i] = (double)used.ru_maxrss;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	fprintf(stderr, "wg_time: %s failed with status %d\n", argv[0], status);
	return false;
}

int main(int argc, char *argv[])
{
	int runs = argc > 4 ? atoi(argv[1]) : 0;
	posix_spawn_file_actions_t quiet;
	struct samples of[2];

	if (runs <= 0 || !samples_init(&of[0], runs) || !samples_init(&of[1], runs))
		return 2;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (getenv("WG_TIME_STDIN"))
		posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, getenv("WG_TIME_STDIN"), O_RDONLY, 0);
	for (int i = 0; i < 2 * runs; i++) {
		char *program = argv[2 + i % 2], *saved = argv[3];
		bool ok;

		argv[3] = program; /* becomes argv[0], followed by the arguments */
		ok = run_once(&of[i % 2], i / 2, argv + 3, &quiet);
		argv[3] = saved;
		if (!ok)
			return 1;
	}
	for (int i = 0; i < 2; i++)
		printf("%.0f %.0f %.0f%c", median(of[i].wall, runs), median(of[i].cpu, runs),
		       median(of[i].rss, runs), i == 0 ? ' ' : '\n');
	return 0;
}
