/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a mount point is found before anything else is done, so
 * that it can be said on the terminal, with what to do about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <podfs/base/cleanup.h>
#include <podfs/fs/fs.h>

#define FUSE_MAGIC 0x65735546

static int check_directory(const char *path, struct stat *ret, struct error *e)
{
	if (stat(path, ret) < 0) {
		int err = errno;

		error_set(e, -err, "cannot use %s as mount point: %s", path, strerror(err));
		if (err == ENOENT)
			error_hint(e, "make it first: mkdir -p %s", path);
		else if (err == ENOTCONN)
			error_hint(e, "an earlier mount died there: fusermount3 -u %s", path);
		return -err;
	}
	if (!S_ISDIR(ret->st_mode))
		return error_set(e, -ENOTDIR, "cannot use %s as mount point: not a directory",
				 path);
	return 0;
}

static int check_device(struct error *e)
{
	cleanup_close int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int err = errno;

	if (fd >= 0)
		return 0;
	error_set(e, -err, "cannot use /dev/fuse: %s", strerror(err));
	if (err == EACCES)
		error_hint(e, "its usual mode is 0666: root can do chmod 666 /dev/fuse");
	else
		error_hint(e, "load the kernel module (modprobe fuse); a container needs the "
			      "device and, to mount, CAP_SYS_ADMIN");
	return -err;
}

int fs_check_mountpoint(const char *mountpoint, struct error *ret_error)
{
	cleanup_buf struct buf parent = {0};
	struct stat here;
	struct stat above;
	struct statfs fs;
	int r = check_directory(mountpoint, &here, ret_error);

	if (r < 0)
		return r;
	if (buf_addf(&parent, "%s/..", mountpoint) < 0)
		return error_set(ret_error, -ENOMEM, "out of memory");
	if (statfs(mountpoint, &fs) == 0 && fs.f_type == FUSE_MAGIC &&
	    stat(parent.data, &above) == 0 && above.st_dev != here.st_dev) {
		error_set(ret_error, -EBUSY, "%s is busy: another FUSE filesystem is mounted there",
			  mountpoint);
		error_hint(ret_error, "unmount it first: fusermount3 -u %s", mountpoint);
		return -EBUSY;
	}
	return check_device(ret_error);
}
