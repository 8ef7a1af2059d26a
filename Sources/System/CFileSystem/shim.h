// Swift's Glibc module leaves this header out; on macOS Darwin has its contents.
#ifdef __linux__
#include <sys/vfs.h>
#endif
