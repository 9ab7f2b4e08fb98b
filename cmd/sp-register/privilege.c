/* Leaving root once the sockets are bound. */
#include "cmd/sp-register/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int privilege_drop(const char *user, struct sp_err *err)
{
	const struct passwd *pw;

	if (user == NULL)
		return 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return sp_err_set(err, SP_CONFIG, "no user '%.60s'", user);
	if (pw->pw_uid == geteuid())
		return 0;
	if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
		setuid(pw->pw_uid) != 0)
		return sp_err_set(err, SP_NOPERM, "cannot become '%.60s': %s",
			user, strerror(errno));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}
