#pragma once
// What loading a library while the program runs takes; of this target alone.

#include "ud2m_cuda_driver.h"

/// Loads the first library of a list that ends in null; null if there is none, with what the loader said of each.
void *ud2m_cuda_library(const char *const *names, const char **loaded, char *error, size_t error_size);

/// A library's function by its name, as a resolver.
void *ud2m_cuda_symbol(const char *name, void *library);

/// Writes a text, cut to `size` bytes with a final 0.
void ud2m_cuda_say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/// Fills the fields of `table`, a structure of the function pointers that `LIST` names in order, from `resolver`; returns
/// UD2M_CUDA_NO_FUNCTION from the calling function when one is missing. A data pointer becomes a function pointer through
/// its bytes: POSIX promises that they have the same form, and C has no cast for it.
#define UD2M_CUDA_FILL(field, symbol, ...)                                                                             \
    {                                                                                                                  \
        void *found = resolver(#symbol, context);                                                                      \
        if (!found) {                                                                                                  \
            ud2m_cuda_say(error, error_size, "it has no function %s", #symbol);                                        \
            memset(table, 0, sizeof *table);                                                                           \
            return UD2M_CUDA_NO_FUNCTION;                                                                              \
        }                                                                                                              \
        memcpy(&table->field, &found, sizeof found);                                                                   \
    }

/// Puts a library's name before what is wrong with it.
void ud2m_cuda_blame(const char *name, char *error, size_t error_size);
