/* Sections and tickets. */
#include "brlock.h"

bool gate_init(struct gate *g)
{
	*g = (struct gate){ .waiting = 0 };
	return pthread_mutex_init(&g->lock, NULL) == 0 && pthread_cond_init(&g->opened, NULL) == 0 &&
	       pthread_cond_init(&g->passed, NULL) == 0;
}

void gate_enter(struct gate *g, pthread_mutex_t *own)
{
	if (!atomic_load_explicit(&g->closed, memory_order_relaxed) &&
	    pthread_mutex_trylock(own) == 0)
		return;
	pthread_mutex_lock(&g->lock);
	g->waiting++;
	while (atomic_load(&g->closed))
		pthread_cond_wait(&g->opened, &g->lock);
	pthread_mutex_lock(own); /* free: who takes all of them is outside */
	if (--g->waiting == 0)
		pthread_cond_signal(&g->passed);
	pthread_mutex_unlock(&g->lock);
}

void gate_close(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	while (g->waiting > 0)
		pthread_cond_wait(&g->passed, &g->lock);
	atomic_store(&g->closed, true);
	pthread_mutex_unlock(&g->lock);
}

void gate_open(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	atomic_store(&g->closed, false);
	if (g->waiting > 0)
		pthread_cond_broadcast(&g->opened);
	pthread_mutex_unlock(&g->lock);
}

bool place_init(struct place *p, struct places *all)
{
	*p = (struct place){ .all = all };
	return pthread_mutex_init(&p->section, NULL) == 0;
}

void place_enter(struct place *p)
{
	gate_enter(&p->all->sections, &p->section);
}

void place_leave(struct place *p)
{
	pthread_mutex_unlock(&p->section);
}

void place_queue(struct place *p)
{
	if (p->in_line)
		return;
	p->ticket = line_ticket(p->line);
	p->in_line = true;
}

void place_wait_for_counters(struct place *p)
{
	turn_wait(&p->line->counters, p->ticket);
}

void place_wait_to_send(struct place *p)
{
	turn_wait(&p->line->out, p->ticket);
}

void place_numbered(struct place *p)
{
	if (p->is_last)
		turn_pass(&p->line->counters, p->ticket);
}

void place_sent(struct place *p)
{
	if (!p->is_last)
		return;
	turn_pass(&p->line->out, p->ticket);
	p->in_line = false;
}
