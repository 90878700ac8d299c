/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <podfs/base/cleanup.h>
#include <podfs/base/memory.h>

#define GIB (UINT64_C(1) << 30)

uint64_t memory_area_size(enum memory_area area)
{
	switch (area) {
	case MEMORY_UNSET:
		return 0;
	case MEMORY_ARENA:
		return 16 * GIB;
	case MEMORY_NODES:
		return 4 * GIB;
	default:
		return GIB;
	}
}

static uint64_t offset_of(enum memory_area area)
{
	uint64_t off = 0;

	for (unsigned int a = 0; a < (unsigned int)area; a++)
		off += memory_area_size(a);
	return off;
}

int memory_new(void)
{
	cleanup_close int fd = memfd_create("podfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)offset_of(MEMORY_AREAS)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

static int map(int fd, enum memory_area area, size_t size, int protection, void **ret)
{
	void *base;

	if (size > memory_area_size(area))
		return -EINVAL;
	base = mmap(NULL, size, protection, MAP_SHARED | MAP_NORESERVE, fd, (off_t)offset_of(area));
	if (base == MAP_FAILED)
		return -errno;
	/* A huge page would come back whole for the sake of a small one in it. */
	madvise(base, size, MADV_NOHUGEPAGE);
	*ret = base;
	return 0;
}

int memory_map(int fd, enum memory_area area, size_t size, void **ret)
{
	return map(fd, area, size, PROT_READ | PROT_WRITE, ret);
}

int memory_reserve(int fd, enum memory_area area, size_t size, void **ret)
{
	return map(fd, area, size, PROT_NONE, ret);
}

int memory_use(void *base, size_t from, size_t to)
{
	return mprotect((char *)base + from, to - from, PROT_READ | PROT_WRITE) < 0 ? -errno : 0;
}

void memory_drop(int fd, enum memory_area area, uint64_t from, uint64_t to)
{
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(offset_of(area) + from),
		  (off_t)(to - from));
}

uint64_t memory_next(int fd, enum memory_area area, uint64_t from)
{
	uint64_t start = offset_of(area);
	uint64_t size = memory_area_size(area);
	off_t at = from < size ? lseek(fd, (off_t)(start + from), SEEK_DATA) : -1;

	return at < 0 || (uint64_t)at >= start + size ? size : (uint64_t)at - start;
}

uint64_t memory_end(int fd, enum memory_area area)
{
	uint64_t start = offset_of(area);
	uint64_t size = memory_area_size(area);
	uint64_t end = 0;

	for (uint64_t at = 0; (at = memory_next(fd, area, at)) < size;) {
		off_t hole = lseek(fd, (off_t)(start + at), SEEK_HOLE);

		end = hole < 0 || (uint64_t)hole - start > size ? size : (uint64_t)hole - start;
		at = end;
	}
	return end;
}
