#include "moments.h"
#include "operators.h"

#include <math.h>

enum { LANES = UD2M_LANES };

size_t ud2m_group_norm_workspace(int32_t block_count, int32_t height, int32_t width) {
    if (block_count <= 0 || height <= 0 || width <= 0)
        return 0;
    size_t parts = (size_t)moment_parts((int64_t)height * width) + 1;
    return parts * block_count * LANES * 2 * sizeof(double);
}

typedef struct slot_cursor {
    const ud2m_group_norm *norm;
    int32_t source;
    int32_t channel_in_source;
    int64_t first_slot;
} slot_cursor;

/// Slot of the next channel, skipping the padding at the end of each source.
static int64_t next_slot(slot_cursor *cursor) {
    while (cursor->channel_in_source == cursor->norm->source_channels[cursor->source]) {
        cursor->first_slot += (int64_t)ud2m_block_count(cursor->channel_in_source) * LANES;
        cursor->source++;
        cursor->channel_in_source = 0;
    }
    return cursor->first_slot + cursor->channel_in_source++;
}

/// `{Σx, Σx²}` of a slot.
static const double *moments_of(const ud2m_group_norm *norm, const double *computed, int64_t slot) {
    return norm->moments ? norm->moments[slot / LANES] + 2 * (slot % LANES) : computed + 2 * slot;
}

static void fold_group(const ud2m_group_norm *norm, const double *computed, int32_t group, int32_t width,
                       slot_cursor *cursor) {
    double count = (double)norm->input.height * norm->input.width * width;
    double sum = 0, squares = 0;
    slot_cursor reading = *cursor;
    for (int32_t i = 0; i < width; i++) {
        int64_t slot = next_slot(&reading);
        const double *moments = moments_of(norm, computed, slot);
        sum += moments[0];
        squares += moments[1];
    }
    double mean = sum / count;
    double variance = squares / count - mean * mean;
    double inverse = 1 / sqrt((variance > 0 ? variance : 0) + (double)norm->epsilon);
    for (int32_t i = 0; i < width; i++) {
        int64_t slot = next_slot(cursor);
        int32_t channel = group * width + i;
        double scale = inverse * (norm->gamma ? norm->gamma[channel] : 1);
        double shift = (norm->beta ? norm->beta[channel] : 0) - mean * scale;
        double factor = 1 + (norm->scale ? (double)norm->scale[channel] : 0);
        norm->map_scale[slot] = (float)(scale * factor);
        norm->map_shift[slot] = (float)(shift * factor + (norm->shift ? norm->shift[channel] : 0));
    }
}

ud2m_status ud2m_group_norm_run(ud2m_pool *pool, const ud2m_group_norm *norm, void *workspace) {
    const ud2m_planes *input = &norm->input;
    int64_t channels = 0, blocks = 0;
    for (int32_t i = 0; i < norm->source_count; i++) {
        if (norm->source_channels[i] <= 0)
            return UD2M_STATUS_INVALID;
        channels += norm->source_channels[i];
        blocks += ud2m_block_count(norm->source_channels[i]);
    }
    if (channels == 0 || blocks != input->block_count || blocks > INT32_MAX / LANES || norm->groups <= 0 ||
        channels % norm->groups != 0 || input->height <= 0 || input->width <= 0)
        return UD2M_STATUS_INVALID;
    double *computed = workspace;
    if (!norm->moments)
        operators_of(pool)->moments(pool, input, computed, computed + (size_t)blocks * LANES * 2);
    for (int64_t slot = 0; slot < blocks * LANES; slot++)
        norm->map_scale[slot] = norm->map_shift[slot] = 0;
    slot_cursor cursor = {.norm = norm};
    int32_t width = (int32_t)(channels / norm->groups);
    for (int32_t group = 0; group < norm->groups; group++)
        fold_group(norm, computed, group, width, &cursor);
    return UD2M_STATUS_OK;
}
