#include "library.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ud2m_cuda_say(char *text, size_t size, const char *format, ...) {
    if (size == 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, size, format, arguments);
    va_end(arguments);
}

void *ud2m_cuda_symbol(const char *name, void *library) {
    return dlsym(library, name);
}

void *ud2m_cuda_library(const char *const *names, const char **loaded, char *error, size_t error_size) {
    char text[1024] = "";
    for (; *names; names++) {
        void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
        if (library) {
            *loaded = *names;
            return library;
        }
        const char *reason = dlerror();
        size_t used = strlen(text);
        ud2m_cuda_say(text + used, sizeof text - used, "%s%s", used ? "; " : "", reason ? reason : *names);
    }
    ud2m_cuda_say(error, error_size, "%s", text);
    return NULL;
}

void ud2m_cuda_blame(const char *name, char *error, size_t error_size) {
    char text[1024];
    ud2m_cuda_say(text, sizeof text, "%s: %s", name, error_size > 0 ? error : "");
    ud2m_cuda_say(error, error_size, "%s", text);
}
