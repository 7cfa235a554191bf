/* Sections and tickets. */
#include "place.h"

bool gate_init(struct gate *g)
{
	atomic_store(&g->closed, false);
	return pthread_mutex_init(&g->lock, NULL) == 0;
}

void gate_pass(struct gate *g)
{
	if (!atomic_load_explicit(&g->closed, memory_order_relaxed))
		return;
	pthread_mutex_lock(&g->lock);
	pthread_mutex_unlock(&g->lock);
}

void gate_close(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	atomic_store(&g->closed, true);
}

void gate_open(struct gate *g)
{
	atomic_store(&g->closed, false);
	pthread_mutex_unlock(&g->lock);
}

bool place_init(struct place *p, struct places *all)
{
	*p = (struct place){ .all = all };
	return pthread_mutex_init(&p->section, NULL) == 0;
}

void place_enter(struct place *p)
{
	gate_pass(&p->all->sections);
	pthread_mutex_lock(&p->section);
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
