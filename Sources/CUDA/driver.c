#include "ud2m_cuda_driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_text(char *error, size_t size, const char *text) {
    if (size > 0)
        snprintf(error, size, "%s", text);
}

ud2m_cuda_open_result ud2m_cuda_resolve(ud2m_cuda_resolver resolver, void *context, ud2m_cuda_driver *driver,
                                        char *error, size_t error_size) {
    memset(driver, 0, sizeof *driver);
    set_text(error, error_size, "");
    // A data pointer becomes a function pointer through its bytes: POSIX promises that they have the same form, and C
    // has no cast for it.
#define FILL(field, symbol, parameters)                                                                                \
    {                                                                                                                  \
        void *found = resolver(#symbol, context);                                                                      \
        if (!found) {                                                                                                  \
            if (error_size > 0)                                                                                        \
                snprintf(error, error_size, "it has no function %s", #symbol);                                         \
            memset(driver, 0, sizeof *driver);                                                                         \
            return UD2M_CUDA_NO_FUNCTION;                                                                              \
        }                                                                                                              \
        memcpy(&driver->field, &found, sizeof found);                                                                  \
    }
    UD2M_CUDA_DRIVER_FUNCTIONS(FILL)
#undef FILL
    return UD2M_CUDA_OPENED;
}

static void *symbol_of_library(const char *name, void *library) {
    return dlsym(library, name);
}

ud2m_cuda_open_result ud2m_cuda_open(const char *path, ud2m_cuda_driver *driver, char *error, size_t error_size) {
    memset(driver, 0, sizeof *driver);
    const char *names[2] = {path, NULL};
    if (!path) {
        names[0] = getenv("UD2M_CUDA_DRIVER");
        if (!names[0] || !*names[0]) {
            names[0] = "libcuda.so.1";
            names[1] = "libcuda.so";
        }
    }
    char text[1024] = "";
    for (int i = 0; i < 2 && names[i]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library) {
            ud2m_cuda_open_result result = ud2m_cuda_resolve(symbol_of_library, library, driver, error, error_size);
            if (result == UD2M_CUDA_NO_FUNCTION && error_size > 0) {
                snprintf(text, sizeof text, "%s: %s", names[i], error);
                set_text(error, error_size, text);
            }
            return result;
        }
        const char *reason = dlerror();
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", used ? "; " : "", reason ? reason : names[i]);
    }
    set_text(error, error_size, text);
    return UD2M_CUDA_NO_LIBRARY;
}
