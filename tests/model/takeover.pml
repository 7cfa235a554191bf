/* The hand-over of a tunnel between processes (src/daemon/control/takeover.h), for spin(1). In every interleaving, with a
 * crash of each process and a timeout at any step:
 *  - no counter is used twice with one key;
 *  - at most one process reads the TUN and the sockets.
 * Process 0 runs at first; 1 and 2 each take over from a process that runs, if one answers. Each has a data thread.
 * Counters are not advanced at the hand-over, as they are in the program, so that the margin hides nothing.
 *
 * -DINTERIM: the same for a restart of a service. Process 1 is the interim process, which ends if it cannot hand over the
 * tunnel. Process 2 starts when 0 has ended; with the connection from the store it takes over from 1, and without it, or when
 * it is closed, it goes on without sessions.
 *
 * tests/model/run.sh also checks that the model finds mistakes: -DNO_PAUSE: the state is exported while a thread sends;
 * -DNO_EXPIRE: the old process keeps its sessions, and -DNO_GO: the new one does not wait for 'g'; -DKEEP_ON: the old
 * process goes on after 'g'; -DINTERIM -DGO_ON: the interim process does not end; -DINTERIM -DLATE_LEND: the connection
 * reaches the store after 'g'. */

#define PROCESSES 3
#define KEYS 2       /* sessions: how often there may be a handshake, and the first one */
#define COUNTERS 2   /* messages of a session */
#define NOBODY PROCESSES

mtype = { nothing, freeze, state, ready, go };

bit used[KEYS * COUNTERS];     /* by key and counter */
byte keys = 1;                /* key 1 exists at first; 0 is no key */

bool alive[PROCESSES];
bool runs[PROCESSES];         /* reads the TUN and the sockets, unless it is paused */
bool paused[PROCESSES];       /* the writer of source_lock */
bool inside[PROCESSES];       /* its data thread is a reader of source_lock */
byte key[PROCESSES];          /* of its session */
byte counter[PROCESSES];      /* the next one */

bool is_lent = false;         /* the store has the connection to process 1 */

/* By new process: its connection, one message each way, and its shared memory. */
mtype to_giver[PROCESSES], to_taker[PROCESSES];
byte giver[PROCESSES];        /* who serves it */
bool giver_closed[PROCESSES], taker_closed[PROCESSES];
bool is_full[PROCESSES];         /* the word at the start of the memory */
byte state_key[PROCESSES], state_counter[PROCESSES];

#define READS(i) (inside[i] || (runs[i] && !paused[i]))
/* Where one begins to. */
#define ONE_READS assert(READS(0) + READS(1) + READS(2) <= 1)
#define ENDS(i) atomic { alive[i] = false; runs[i] = false; inside[i] = false; paused[i] = false; \
	key[i] = 0; counter[i] = 0; taker_closed[i] = true; \
	giver_closed[1] = giver_closed[1] || giver[1] == i; giver_closed[2] = giver_closed[2] || giver[2] == i }

/* A data thread: reserves a counter, encrypts, sends. The lock is held from the first step to the last. */
proctype thread(byte i)
{
	byte k, c;

	{ do
	  :: atomic { runs[i] && !paused[i] && !inside[i] && key[i] != 0 && counter[i] < COUNTERS ->
		inside[i] = true; ONE_READS; k = key[i]; c = counter[i]; counter[i]++ }
	     atomic { assert(!used[(k - 1) * COUNTERS + c]); used[(k - 1) * COUNTERS + c] = 1; inside[i] = false;
		k = 0; c = 0 } /* fewer states */
	  od } unless { !alive[i] }
}

proctype crash(byte i)
{
	ENDS(i)
}

/* Process i gives the tunnel to t, which has asked for it. */
inline give(i, t)
{
	paused[i] = true;
#ifndef NO_PAUSE
	!inside[i];
#endif
	state_key[t] = key[i]; state_counter[t] = counter[i];
#ifndef NO_EXPIRE
	key[i] = 0;
#endif
	is_full[t] = true;
	to_taker[t] = state;
	if
	:: to_giver[t] == ready ->
#ifndef LATE_LEND
		is_lent = true;
#endif
		if
		:: atomic { !taker_closed[t] -> to_taker[t] = go } /* decides */
#ifdef LATE_LEND
		   is_lent = true;
#endif
#ifndef KEEP_ON
		   ENDS(i)
#endif
		:: taker_closed[t]
		fi
	:: taker_closed[t]
	:: true /* a timeout */
	fi;
#if defined(INTERIM) && !defined(GO_ON)
	if
	:: i == 1 -> ENDS(i)
	:: else
	fi;
#endif
	is_lent = false;
	atomic { giver_closed[t] = true; paused[i] = false; ONE_READS }
}

/* Process i, as long as it runs. */
inline serve(i)
{
	do
	:: atomic { key[i] == 0 && keys < KEYS -> keys++; key[i] = keys; counter[i] = 0 } /* a handshake */
#ifdef INTERIM
	:: atomic { i == 0 && giver[1] == NOBODY && to_giver[1] == freeze -> giver[1] = i }
	   give(i, 1)
	:: atomic { i == 1 && to_giver[2] == freeze && !giver_closed[2] }
	   give(i, 2)
#else
	:: atomic { i != 1 && giver[1] == NOBODY && to_giver[1] == freeze -> giver[1] = i }
	   give(i, 1)
	:: atomic { i != 2 && giver[2] == NOBODY && to_giver[2] == freeze -> giver[2] = i }
	   give(i, 2)
#endif
	od
}

inline import(i)
{
	atomic { key[i] = state_key[i]; counter[i] = state_counter[i] }
}

/* The new process i takes the tunnel, or ends. */
inline take(i)
{
	to_giver[i] = freeze;
	if
	:: to_taker[i] == state
	:: giver_closed[i] && to_taker[i] == nothing -> ENDS(i)
#ifdef INTERIM
	:: i == 1 && !alive[0] -> ENDS(i) /* it was not asked */
#endif
	fi;
	atomic { is_full[i] -> is_full[i] = false } /* claimed */
	import(i);
	atomic { state_key[i] = 0; state_counter[i] = 0 } /* wiped */
	to_giver[i] = ready;
#ifndef NO_GO
	if
	:: to_taker[i] == go
	:: giver_closed[i] && to_taker[i] != go -> ENDS(i)
	fi;
#endif
	atomic { runs[i] = true; ONE_READS }
}

/* Process 2 with -DINTERIM. In the program, the process that finds the connection closed ends, and the next one goes on. */
inline continue_service(i)
{
	!alive[0];
	if
	:: is_lent ->
		to_giver[i] = freeze;
		do
		:: to_taker[i] == state && is_full[i] ->
			atomic { is_full[i] = false; import(i) }
			to_giver[i] = ready
		:: to_taker[i] == go -> break
		:: giver_closed[i] && to_taker[i] != go -> key[i] = 0; break
		od
	:: !is_lent
	fi;
	atomic { runs[i] = true; ONE_READS }
}

proctype process(byte i)
{
	{ if
#ifdef INTERIM
	  :: i == 2 -> continue_service(i)
	  :: i == 1 -> take(i)
	  :: i == 0
#else
	  :: i > 0 -> take(i)
	  :: else
#endif
	  fi;
	  serve(i) } unless { !alive[i] }
}

init
{
	atomic {
		byte i;
		for (i : 0 .. PROCESSES - 1) {
			alive[i] = true;
			to_giver[i] = nothing;
			to_taker[i] = nothing;
			giver[i] = NOBODY;
		}
#ifdef INTERIM
		giver[2] = 1;
#endif
		runs[0] = true;
		key[0] = 1;
		for (i : 0 .. PROCESSES - 1) {
			run process(i);
			run thread(i);
			run crash(i);
		}
	}
}
