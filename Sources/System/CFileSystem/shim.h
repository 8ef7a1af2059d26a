// Swift's Glibc module leaves these out; on macOS Darwin has what is needed.
#ifdef __linux__
#include <sys/types.h>
#include <sys/vfs.h>

// From <fcntl.h>, which declares it for GNU sources only.
extern int sync_file_range(int descriptor, __off64_t offset, __off64_t count, unsigned int flags);

/// Starts bringing a range of a file to the disk without waiting for it; false if that is not possible.
static inline int ud2m_start_writing(int descriptor, long long offset, long long count) {
    enum { start_write_out = 2 }; // SYNC_FILE_RANGE_WRITE
    return sync_file_range(descriptor, offset, count, start_write_out) == 0;
}
#endif
