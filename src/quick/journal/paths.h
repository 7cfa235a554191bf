/* Where journals and their locks are. */
#ifndef WG_QUICK_PATHS_H
#define WG_QUICK_PATHS_H

#define JOURNAL_FOLDER RUNSTATEDIR "/wgsuite"

#endif
