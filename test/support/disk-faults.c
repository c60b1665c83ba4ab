/*
 * Preloaded into a process, lets its disk fail on demand, and keeps beside it what a power cut would leave (test/support/disk-faults.ts).
 *
 * FAULTS_CONTROL names a file with one fault a line: `sync|write|read EIO|ENOSPC <part of the path> [count]`. It is read at each call, so that a test
 * switches faults on and off; with a count a fault goes away after so many failures.
 *
 * FAULTS_DISK names a folder: the disk. A page gets there when a sync of its file succeeds, as `<inode>`; a failed sync forgets the pages that were written
 * since the last one, as Linux does: a later sync that succeeds does not bring them. A name gets there when its folder is synced: `names` has a line
 * `<folder>\t<name>\t<inode>` for each, and the last sync of a folder counts.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096
#define FILES 512

struct tracked {
  ino_t inode;
  unsigned char *dirty;
  size_t pages;
};

static struct tracked files[FILES];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char spent[64][256];
static int spent_counts[64];

static const char *path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length <= 0) return NULL;
  path[length] = 0;
  return path[0] == '/' ? path : NULL;
}

/* True while the fault of this line has not happened as often as it may. */
static int is_left(const char *line, int count) {
  if (count <= 0) return 1;
  for (int i = 0; i < 64; i++) {
    if (spent[i][0] == 0) snprintf(spent[i], sizeof spent[i], "%s", line);
    if (strcmp(spent[i], line) == 0) return spent_counts[i]++ < count;
  }
  return 0;
}

/* `part` ends with `$`: the path's end. */
static int is_part(const char *path, const char *part) {
  size_t length = strlen(part);
  if (length == 0 || part[length - 1] != '$') return strstr(path, part) != NULL;
  size_t end = strlen(path);
  return end >= length - 1 && strncmp(path + end - (length - 1), part, length - 1) == 0;
}

static int fault_of(const char *act, const char *path) {
  const char *control = getenv("FAULTS_CONTROL");
  if (control == NULL || path == NULL) return 0;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[4096];
  long length = syscall(SYS_read, fd, text, sizeof text - 1);
  syscall(SYS_close, fd);
  if (length <= 0) return 0;
  text[length] = 0;
  int fault = 0;
  char *rest = text;
  for (char *line; fault == 0 && (line = strsep(&rest, "\n")) != NULL;) {
    char kind[16], code[16], part[256];
    int count = 0;
    if (sscanf(line, "%15s %15s %255s %d", kind, code, part, &count) < 3) continue;
    if (strcmp(kind, act) != 0 || !is_part(path, part) || !is_left(line, count)) continue;
    fault = strcmp(code, "ENOSPC") == 0 ? ENOSPC : EIO;
  }
  return fault;
}

static struct tracked *tracked_of(int fd, struct stat *found) {
  if (getenv("FAULTS_DISK") == NULL || fstat(fd, found) != 0 || !S_ISREG(found->st_mode)) return NULL;
  for (int i = 0; i < FILES; i++) {
    if (files[i].inode == 0) files[i].inode = found->st_ino;
    if (files[i].inode == found->st_ino) return &files[i];
  }
  return NULL;
}

static void wrote(int fd, off_t from, size_t bytes) {
  struct stat found;
  pthread_mutex_lock(&mutex);
  struct tracked *file = tracked_of(fd, &found);
  if (file != NULL && bytes > 0) {
    size_t last = (size_t)(from + (off_t)bytes - 1) / PAGE;
    if (last >= file->pages) {
      size_t pages = last * 2 + 16;
      file->dirty = realloc(file->dirty, pages);
      memset(file->dirty + file->pages, 0, pages - file->pages);
      file->pages = pages;
    }
    for (size_t page = (size_t)from / PAGE; page <= last; page++) file->dirty[page] = 1;
  }
  pthread_mutex_unlock(&mutex);
}

static int open_on_disk(const char *name, int flags) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", getenv("FAULTS_DISK"), name);
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CREAT | O_CLOEXEC, 0600);
}

static void forget(struct tracked *file) {
  if (file->dirty != NULL) memset(file->dirty, 0, file->pages);
}

static void bring_to_disk(int fd, struct tracked *file, const struct stat *found) {
  char name[64];
  char page[PAGE];
  snprintf(name, sizeof name, "%llu", (unsigned long long)found->st_ino);
  int disk = open_on_disk(name, O_RDWR);
  for (size_t i = 0; i < file->pages; i++) {
    if (!file->dirty[i]) continue;
    long length = syscall(SYS_pread64, fd, page, (size_t)PAGE, (off_t)(i * PAGE));
    if (length > 0) syscall(SYS_pwrite64, disk, page, (size_t)length, (off_t)(i * PAGE));
  }
  syscall(SYS_ftruncate, disk, found->st_size);
  syscall(SYS_close, disk);
  forget(file);
}

static void bring_names_to_disk(int fd) {
  char path[4096];
  if (getenv("FAULTS_DISK") == NULL || path_of(fd, path, sizeof path) == NULL) return;
  DIR *folder = opendir(path);
  if (folder == NULL) return;
  int names = open_on_disk("names", O_WRONLY | O_APPEND);
  dprintf(names, "%s\t\t0\n", path);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (entry->d_type == DT_REG) dprintf(names, "%s\t%s\t%llu\n", path, entry->d_name, (unsigned long long)entry->d_ino);
  syscall(SYS_close, names);
  closedir(folder);
}

static int sync_file(int fd, long number) {
  char path[4096];
  struct stat found;
  int fault = fault_of("sync", path_of(fd, path, sizeof path));
  pthread_mutex_lock(&mutex);
  struct tracked *file = tracked_of(fd, &found);
  if (fault != 0) {
    if (file != NULL) forget(file);
    pthread_mutex_unlock(&mutex);
    errno = fault;
    return -1;
  }
  if (file != NULL) bring_to_disk(fd, file, &found);
  else if (fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) bring_names_to_disk(fd);
  pthread_mutex_unlock(&mutex);
  return (int)syscall(number, fd);
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

#define FAIL(act)                                              \
  char path[4096];                                             \
  int fault = fault_of(act, path_of(fd, path, sizeof path));   \
  if (fault != 0) {                                            \
    errno = fault;                                             \
    return -1;                                                 \
  }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
  FAIL("write")
  ssize_t done = syscall(SYS_pwrite64, fd, bytes, count, at);
  if (done > 0) wrote(fd, at, (size_t)done);
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

ssize_t write(int fd, const void *bytes, size_t count) {
  if (fd > 2) {
    FAIL("write")
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_write, fd, bytes, count);
    if (done > 0 && at >= 0) wrote(fd, at, (size_t)done);
    return done;
  }
  return syscall(SYS_write, fd, bytes, count);
}

ssize_t pread64(int fd, void *bytes, size_t count, off_t at) {
  FAIL("read")
  return syscall(SYS_pread64, fd, bytes, count, at);
}
ssize_t pread(int fd, void *bytes, size_t count, off_t at) { return pread64(fd, bytes, count, at); }

ssize_t read(int fd, void *bytes, size_t count) {
  FAIL("read")
  return syscall(SYS_read, fd, bytes, count);
}

/* A file that goes may leave its inode to the next one. */
int unlink(const char *path) {
  struct stat found;
  int known = getenv("FAULTS_DISK") != NULL && lstat(path, &found) == 0 && S_ISREG(found.st_mode) && found.st_nlink == 1;
  int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (known && result == 0) {
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < FILES; i++)
      if (files[i].inode == found.st_ino) forget(&files[i]);
    char disk[4096];
    snprintf(disk, sizeof disk, "%s/%llu", getenv("FAULTS_DISK"), (unsigned long long)found.st_ino);
    syscall(SYS_unlinkat, AT_FDCWD, disk, 0);
    pthread_mutex_unlock(&mutex);
  }
  return result;
}
