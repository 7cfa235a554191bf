/* The state of a tunnel in the file descriptor store of a service manager (src/daemon/control/restart.h), for spin(1). In
 * every interleaving, with a crash of each process at any step, no counter is used twice with one key.
 * The manager never removes a state from the store and starts processes whenever it wants to, two at once as well, each with
 * any of the states: only the word in the memory of a state protects it. Counters are not advanced, as they are in the
 * program, so that the margin hides nothing.
 *
 * tests/model/run.sh also checks that the model finds mistakes: -DNO_CLAIM: the word is not written; -DLATE_CLAIM: only when
 * packets have been sent; -DSPLIT_CLAIM: it is read and written in two steps; -DNO_PAUSE: the state is exported while a thread
 * sends; -DNO_EXPIRE: the process sends until it has ended. */

#define PROCESSES 3
#define KEYS 2       /* sessions: how often there may be a handshake */
#define COUNTERS 2   /* messages of a session */

bit used[KEYS * COUNTERS];    /* by key and counter */
byte keys = 0;                /* 0 is no key */

bool alive[PROCESSES];
bool runs[PROCESSES];         /* its data thread may use the session */
bool inside[PROCESSES];       /* it does */
byte key[PROCESSES];          /* of its session */
byte counter[PROCESSES];      /* the next one */

/* The memory that each process stores. */
bool is_stored[PROCESSES], is_full[PROCESSES];
byte state_key[PROCESSES], state_counter[PROCESSES];

#define ENDS(i) atomic { alive[i] = false; runs[i] = false; inside[i] = false; key[i] = 0; counter[i] = 0 }

proctype thread(byte i)
{
	byte k, c;

	{ do
	  :: atomic { runs[i] && !inside[i] && key[i] != 0 && counter[i] < COUNTERS ->
		inside[i] = true; k = key[i]; c = counter[i]; counter[i]++ }
	     atomic { assert(!used[(k - 1) * COUNTERS + c]); used[(k - 1) * COUNTERS + c] = 1; inside[i] = false;
		k = 0; c = 0 } /* fewer states */
	  od } unless { !alive[i] }
}

proctype crash(byte i)
{
	ENDS(i)
}

/* What process i does with the memory m. */
inline take(i, m)
{
#ifdef SPLIT_CLAIM
	if
	:: is_full[m] -> is_full[m] = false; key[i] = state_key[m]; counter[i] = state_counter[m]
	:: !is_full[m]
	fi
#else
	if
#if defined(NO_CLAIM) || defined(LATE_CLAIM)
	:: atomic { is_full[m] -> key[i] = state_key[m]; counter[i] = state_counter[m] }
#else
	:: atomic { is_full[m] -> is_full[m] = false } /* claimed */
	   atomic { key[i] = state_key[m]; counter[i] = state_counter[m]; state_key[m] = 0; state_counter[m] = 0 }
#endif
	:: !is_full[m] /* new handshakes */
	fi
#endif
}

/* SIGTERM. */
inline keep(i)
{
#ifndef NO_PAUSE
	atomic { runs[i] = false }
	!inside[i];
#endif
	atomic { state_key[i] = key[i]; state_counter[i] = counter[i] }
#ifndef NO_EXPIRE
	key[i] = 0;
#endif
	atomic { is_full[i] = true; is_stored[i] = true }
#ifdef NO_EXPIRE
	runs[i] = true;
#endif
	ENDS(i)
}

proctype process(byte i)
{
	byte m;

	{ if
	  :: is_stored[0] && i > 0 -> m = 0; take(i, m) /* the processes are the same but for their number */
	  :: is_stored[1] && i > 1 -> m = 1; take(i, m)
	  :: true /* without a state */
	  fi;
	  runs[i] = true;
#ifdef LATE_CLAIM
	  is_full[m] = false;
#endif
	  do
	  :: atomic { key[i] == 0 && keys < KEYS -> keys++; key[i] = keys; counter[i] = 0 } /* a handshake */
	  :: keep(i); break
	  od } unless { !alive[i] }
}

init
{
	atomic {
		byte i;
		for (i : 0 .. PROCESSES - 1) {
			alive[i] = true;
			run process(i);
			run thread(i);
			run crash(i);
		}
	}
}
