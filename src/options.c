/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "options.h"
#include "self.h"

const char options_help[] =
    "usage: podfs [options] MOUNTPOINT\n"
    "\n"
    "Shows the namespaces, nodes and pods of a Kubernetes cluster as files.\n"
    "Returns when the mount is there and complete; fusermount3 -u MOUNTPOINT ends it.\n"
    "\n"
    "Which cluster, as whom (as for kubectl):\n"
    "      --kubeconfig FILE              instead of $KUBECONFIG and ~/.kube/config\n"
    "      --context NAME                 a context of it\n"
    "      --cluster NAME                 a cluster of it\n"
    "      --user NAME                    a user of it\n"
    "  -s, --server URL                   the API server\n"
    "      --token TOKEN                  a bearer token (--token-file keeps it off the\n"
    "                                     command line)\n"
    "      --token-file FILE              a file with a bearer token, read again as it changes\n"
    "      --certificate-authority FILE   whose certificates to trust\n"
    "      --client-certificate FILE      a certificate to show\n"
    "      --client-key FILE              and its key\n"
    "      --tls-server-name NAME         the name the server's certificate must have\n"
    "      --insecure-skip-tls-verify     trust any server\n"
    "\n"
    "What to show:\n"
    "  -n, --namespace NAME               this namespace only\n"
    "  -l, --selector SELECTOR            pods with these labels only\n"
    "      --field-selector SELECTOR      pods with these fields only\n"
    "      --self NAMESPACE/POD|caller    where the link self leads: to that pod, or to the pod "
    "of\n"
    "                                     whoever asks; by default to the one podfs runs in\n"
    "\n"
    "When the server is lost:\n"
    "      --stale serve|deny=DURATION    show what was last known, with its age in .podfs/status\n"
    "                                     (the default), or fail reads when it is older: 30s, 5m, "
    "1h\n"
    "\n"
    "How to mount:\n"
    "  -o OPTION[,OPTION...]              allow_other, uid=N, gid=N, umask=OCTAL, or FUSE's own\n"
    "  -f, --foreground                   stay in the foreground\n"
    "      --restart-wait DURATION        how long reads wait for a worker in place of one that\n"
    "                                     died, before they fail (10s)\n"
    "      --no-supervise                 one process, with which the mount ends\n"
    "      --upgrade                      have the program that is on disk now serve a mount that\n"
    "                                     is there\n"
    "      --log-level LEVEL              error, warn, info (the default) or debug\n"
    "      --log-file FILE                instead of syslog, in the background\n"
    "\n"
    "  -h, --help                         this text\n"
    "  -V, --version                      the version\n"
    "\n"
    "See podfs(1) for more, and podfs(5) for what is where in the mount.\n";

#define RESTART_WAIT_MS 10000

/* Options without a letter: the index into `strings`, on top of this. */
#define STRING_BASE 1000

enum {
	INSECURE = 500,
	LOG_LEVEL,
	STALE,
	RESTART_WAIT,
	NO_SUPERVISE,
	UPGRADE,
};

/* Where each option that is just a string goes. */
static const struct {
	const char *name;
	size_t offset;
} strings[] = {
    {"kubeconfig", offsetof(struct options, config.kubeconfig)},
    {"context", offsetof(struct options, config.context)},
    {"cluster", offsetof(struct options, config.cluster)},
    {"user", offsetof(struct options, config.user)},
    {"server", offsetof(struct options, config.server)},
    {"token", offsetof(struct options, config.token)},
    {"token-file", offsetof(struct options, config.token_file)},
    {"certificate-authority", offsetof(struct options, config.certificate_authority)},
    {"client-certificate", offsetof(struct options, config.client_certificate)},
    {"client-key", offsetof(struct options, config.client_key)},
    {"tls-server-name", offsetof(struct options, config.tls_server_name)},
    {"namespace", offsetof(struct options, config.namespace)},
    {"selector", offsetof(struct options, label_selector)},
    {"field-selector", offsetof(struct options, field_selector)},
    {"log-file", offsetof(struct options, log_file)},
    {"self", offsetof(struct options, self)},
};

static const struct option flags[] = {
    {"insecure-skip-tls-verify", no_argument, NULL, INSECURE},
    {"log-level", required_argument, NULL, LOG_LEVEL},
    {"stale", required_argument, NULL, STALE},
    {"restart-wait", required_argument, NULL, RESTART_WAIT},
    {"no-supervise", no_argument, NULL, NO_SUPERVISE},
    {"upgrade", no_argument, NULL, UPGRADE},
    {"foreground", no_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
};

static void set_string(struct options *o, size_t i, const char *value)
{
	memcpy((char *)o + strings[i].offset, &value, sizeof(value));
}

/* Moves a secret away from where the process list shows it. */
static int hide(char *arg, struct options *o)
{
	free(o->token);
	o->token = strdup(arg);
	if (!o->token)
		return -ENOMEM;
	memset(arg, 'x', strlen(arg));
	o->config.token = o->token;
	return 0;
}

/* "90", "90s", "5m", "1h": seconds unless it says otherwise. 0 or -EINVAL. */
static int parse_duration(const char *s, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	char *end;

	errno = 0;
	long n = strtol(s, &end, 10);
	if (errno || end == s || n < 0 || n > INT32_MAX)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(end, units[i].unit)) {
			*ret_ms = n * units[i].ms;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_stale(struct options *o, const char *arg, struct error *e)
{
	o->deny_after_ms = -1;
	if (!strcmp(arg, "serve") ||
	    (!strncmp(arg, "deny=", 5) && parse_duration(arg + 5, &o->deny_after_ms) == 0))
		return 0;
	return error_set(e, -EINVAL, "--stale %s: it is serve, or deny=DURATION as in deny=5m",
			 arg);
}

static int set_option(struct options *o, int c, char *arg, struct error *e)
{
	/* For kubectl an empty value is none. */
	if ((c >= STRING_BASE || c == 's' || c == 'n' || c == 'l') && !*arg)
		return 0;
	if (c >= STRING_BASE) {
		size_t i = (size_t)(c - STRING_BASE);

		if (!strcmp(strings[i].name, "token"))
			return hide(arg, o);
		set_string(o, i, arg);
		return 0;
	}
	switch (c) {
	case 's':
		o->config.server = arg;
		return 0;
	case 'n':
		o->config.namespace = arg;
		return 0;
	case 'l':
		o->label_selector = arg;
		return 0;
	case 'o':
		if (fs_options_parse(&o->fs, arg, &o->fuse_options) < 0)
			return error_set(e, -EINVAL, "-o %s: uid, gid and umask take a number",
					 arg);
		return 0;
	case 'f':
		o->foreground = true;
		return 0;
	case 'h':
		o->help = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	case INSECURE:
		o->config.insecure_skip_tls_verify = true;
		return 0;
	case STALE:
		return parse_stale(o, arg, e);
	case RESTART_WAIT:
		if (parse_duration(arg, &o->restart_wait_ms) < 0)
			return error_set(e, -EINVAL,
					 "--restart-wait %s: it is a duration, as in 30s or 2m",
					 arg);
		return 0;
	case NO_SUPERVISE:
		o->no_supervise = true;
		return 0;
	case UPGRADE:
		o->upgrade = true;
		return 0;
	case LOG_LEVEL:
		o->log_level = log_level_parse(arg);
		if (o->log_level == LOG_LEVEL_UNSET)
			return error_set(e, -EINVAL,
					 "--log-level %s: it is error, warn, info or debug", arg);
		return 0;
	default:
		return -EINVAL;
	}
}

/* What getopt_long() does not like. A value is not repeated: it may have been meant as a token. */
static int complain(int c, const char *word, struct error *e)
{
	int len = (int)strcspn(word, "=");

	if (c == ':' && optopt <= CHAR_MAX)
		return error_set(e, -EINVAL, "-%c needs a value", optopt);
	if (c == ':')
		return error_set(e, -EINVAL, "%.*s needs a value", len, word);
	if (!optopt)
		return error_set(e, -EINVAL, "there is no option %.*s", len, word);
	/* A letter that exists was found as a long option. */
	if (optopt > CHAR_MAX || strchr("fhV", optopt))
		return error_set(e, -EINVAL, "%.*s takes no value", len, word);
	return error_set(e, -EINVAL, "there is no option -%c", optopt);
}

static int check(const struct options *o, int argc, char **argv, struct error *e)
{
	if (o->help || o->version)
		return 0;
	if (o->self && self_check(o->self, e) < 0)
		return -EINVAL;
	if (optind == argc)
		return error_set(e, -EINVAL, "where to mount is missing");
	if (optind + 1 < argc)
		return error_set(e, -EINVAL, "one mount point only: what is %s?", argv[optind + 1]);
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret, struct error *ret_error)
{
	struct option all[ARRAY_SIZE(strings) + ARRAY_SIZE(flags) + 1] = {0};
	int c;

	ret->log_level = LOG_LEVEL_INFO;
	ret->deny_after_ms = -1;
	ret->restart_wait_ms = RESTART_WAIT_MS;
	ret->fs.uid = getuid();
	ret->fs.gid = getgid();
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		all[i] =
		    (struct option){strings[i].name, required_argument, NULL, STRING_BASE + (int)i};
	memcpy(all + ARRAY_SIZE(strings), flags, sizeof(flags));
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":s:n:l:o:fhV", all, NULL)) != -1) {
		int r = 0;

		if (c == ':' || c == '?')
			r = complain(c, argv[optind - 1], ret_error);
		else
			r = set_option(ret, c, optarg, ret_error);
		if (r < 0) {
			error_hint(ret_error, "podfs --help lists the options");
			return r;
		}
	}
	int r = check(ret, argc, argv, ret_error);
	if (r < 0) {
		error_hint(ret_error, "usage: podfs [options] MOUNTPOINT; podfs --help says more");
		return r;
	}
	ret->mountpoint = argv[optind];
	ret->fs.fuse_options = ret->fuse_options.len ? ret->fuse_options.data : "";
	return 0;
}

void options_release(struct options *o)
{
	if (o->token)
		explicit_bzero(o->token, strlen(o->token));
	free(o->token);
	buf_release(&o->fuse_options);
	*o = (struct options){0};
}
