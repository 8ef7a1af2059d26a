#include "attention_plan.h"
#include "operators.h"

static bool slots_fit(const ud2m_attention *attention, int32_t offset) {
    int64_t last = offset + (int64_t)(attention->heads - 1) * attention->head_stride + attention->head_channels;
    return offset >= 0 && last <= (int64_t)attention->qkv_blocks * UD2M_LANES;
}

static bool attention_is_valid(const ud2m_attention *attention) {
    return attention->qkv_blocks > 0 && attention->qkv_blocks <= INT32_MAX / UD2M_LANES && attention->tokens > 0 &&
           attention->tokens <= 1 << 24 && attention->heads > 0 && attention->head_channels > 0 &&
           attention->head_stride >= 0 && attention->head_channels <= INT32_MAX / UD2M_LANES &&
           (int64_t)attention->heads * attention->head_channels <= INT32_MAX / UD2M_LANES &&
           slots_fit(attention, attention->query_offset) && slots_fit(attention, attention->key_offset) &&
           slots_fit(attention, attention->value_offset);
}

size_t ud2m_attention_workspace(const ud2m_attention *attention, int32_t threads) {
    if (!attention_is_valid(attention) || threads < 1)
        return 0;
    attention_plan plan = attention_plan_make(attention);
    return (attention->heads * plan.head_floats + threads * plan.scratch_floats) * sizeof(float);
}

ud2m_status ud2m_attention_run(ud2m_pool *pool, const ud2m_attention *attention, void *workspace) {
    if (!attention_is_valid(attention))
        return UD2M_STATUS_INVALID;
    operators_of(pool)->attention(pool, attention, workspace);
    return UD2M_STATUS_OK;
}
