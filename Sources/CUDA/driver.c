#include "library.h"

#include <stdlib.h>
#include <string.h>

ud2m_cuda_open_result ud2m_cuda_resolve(ud2m_cuda_resolver resolver, void *context, ud2m_cuda_driver *table,
                                        char *error, size_t error_size) {
    memset(table, 0, sizeof *table);
    ud2m_cuda_say(error, error_size, "%s", "");
    UD2M_CUDA_DRIVER_FUNCTIONS(UD2M_CUDA_FILL)
    return UD2M_CUDA_OPENED;
}

ud2m_cuda_open_result ud2m_cuda_open(const char *path, ud2m_cuda_driver *driver, char *error, size_t error_size) {
    memset(driver, 0, sizeof *driver);
    const char *names[] = {path ? path : getenv("UD2M_CUDA_DRIVER"), NULL, NULL}, *loaded;
    if (!names[0] || (!path && !*names[0])) {
        names[0] = "libcuda.so.1";
        names[1] = "libcuda.so";
    }
    void *library = ud2m_cuda_library(names, &loaded, error, error_size);
    if (!library)
        return UD2M_CUDA_NO_LIBRARY;
    ud2m_cuda_open_result result = ud2m_cuda_resolve(ud2m_cuda_symbol, library, driver, error, error_size);
    if (result == UD2M_CUDA_NO_FUNCTION)
        ud2m_cuda_blame(loaded, error, error_size);
    return result;
}
