// PNG through libpng, with errors as values.
//
// libpng reports errors by longjmp, which Swift cannot call. These functions keep every jump inside one C frame, never
// print, never abort and never touch a file: bytes in, bytes out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How a call ended.
typedef enum ud2m_png_status {
    UD2M_PNG_OK = 0,
    /// The bytes break a rule of the format.
    UD2M_PNG_CORRUPT = 1,
    /// The bytes end before the image does.
    UD2M_PNG_TRUNCATED = 2,
    /// The declared size is over a limit.
    UD2M_PNG_TOO_LARGE = 3,
    /// There is not enough memory.
    UD2M_PNG_NO_MEMORY = 4,
    /// The caller's arguments make no sense.
    UD2M_PNG_ARGUMENT = 5,
} ud2m_png_status;

/// Bytes of a message, with the closing zero.
#define UD2M_PNG_MESSAGE_BYTES 256

/// A growing buffer made by malloc; release it with `ud2m_bytes_free`.
typedef struct ud2m_bytes {
    uint8_t *data;
    size_t count;
    size_t capacity;
} ud2m_bytes;

/// A decoded picture and what came with it; release it with `ud2m_png_image_free` whatever the status.
typedef struct ud2m_png_image {
    uint32_t width;
    uint32_t height;
    /// 1 (grey) or 3 (red, green, blue).
    uint32_t channels;
    /// Bits of a sample in `samples`: 8, or 16 in the machine's byte order.
    uint32_t bit_depth;
    /// 1 when an alpha channel or a transparent colour was dropped.
    uint32_t had_alpha;
    /// width × height × channels samples, interleaved, rows from the top.
    uint8_t *samples;
    /// Text chunks, each as `t` (Latin-1) or `i` (UTF-8), keyword, zero, text, zero.
    ud2m_bytes text;
    /// Warnings, each ended by a zero.
    ud2m_bytes warnings;
    /// The error in libpng's words; empty when there is none.
    char message[UD2M_PNG_MESSAGE_BYTES];
} ud2m_png_image;

/// Decodes a whole PNG. Samples of 1, 2 and 4 bits are scaled to 8, palettes become colour, alpha is dropped, gamma and
/// colour profiles are ignored. No sample memory is asked for above `maximum_pixels`, nor where `count` bytes cannot
/// hold that many samples however well they are compressed.
ud2m_png_status ud2m_png_decode(const uint8_t *bytes, size_t count, uint64_t maximum_pixels, ud2m_png_image *image);

/// Releases what `ud2m_png_decode` filled.
void ud2m_png_image_free(ud2m_png_image *image);

/// Encodes interleaved samples (16-bit ones in the machine's byte order) into `out`. `text` holds entries as in
/// `ud2m_png_image.text`. `message` has room for `UD2M_PNG_MESSAGE_BYTES`.
ud2m_png_status ud2m_png_encode(
    const uint8_t *samples, size_t sample_bytes, uint32_t width, uint32_t height, uint32_t channels,
    uint32_t bit_depth, const uint8_t *text, size_t text_bytes, ud2m_bytes *out, char *message);

/// Releases a buffer; an empty one is fine.
void ud2m_bytes_free(ud2m_bytes *bytes);

#ifdef __cplusplus
}
#endif
