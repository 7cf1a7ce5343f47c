"""What the MinIO Manager Service (MMS) takes, measured once: its unmodified code at b231f6d, one worker, its defaults.

The machine was of this class (2 cores, 24 GiB, everything on loopback), and what stood in for the parts around it
favours it: `mc` was a C program that answers from files in half a millisecond and programs no store, KBase, Polaris and
Trino answered from memory at once; PostgreSQL, Redis and SeaweedFS were real.  Of runs that differ the best is given.
With the real mc each process it starts adds tens of milliseconds: 11 of them for a share, 123 for who reaches a path.
"""

from typing import Final

CREDENTIALS_P50_MS: Final = 11.9
"""`GET /credentials/` of a user who has keys, one at a time (9.2 to 16 over seven rounds)."""
CREDENTIALS_PER_SECOND: Final = 123.0
"""The same, 16 at a time (114 to 153)."""
CREDENTIALS_16_P50_MS: Final = 120.0
NEW_USER_P50_MS: Final = 377.0
"""The first `GET /credentials/` of a new user, one after the other (450 in the other run)."""
NEW_USERS_PER_SECOND: Final = 2.6
"""The same, 16 at a time."""
SHARE_P50_MS: Final = 11.5
"""`POST /sharing/share` of one path with one user (11.5 to 12.1)."""
UNSHARE_P50_MS: Final = 11.4
ADD_MEMBER_P50_MS: Final = 9.8
"""`POST /tenants/{t}/members/{u}` (9.8 to 11.4)."""
REMOVE_MEMBER_P50_MS: Final = 5.7
"""`DELETE /tenants/{t}/members/{u}` (5.7 to 6.5)."""
WORKSPACES_ME_P50_MS: Final = 5.1
"""`GET /workspaces/me` of a member of the group of all users only (5.1 to 5.4)."""
ACCESS_INFO_P50_MS: Final = 94.0
"""`POST /sharing/get_path_access_info` with 50 users and 20 groups (94 to 105; 118 with 40 groups)."""
