#pragma once

/// @file
/// CPU kernels of UD2M. Start with `ud2m_types.h` for the layout.

#include "ud2m_attention.h"
#include "ud2m_conv.h"
#include "ud2m_fused.h"
#include "ud2m_isa.h"
#include "ud2m_layout.h"
#include "ud2m_linear.h"
#include "ud2m_norm.h"
#include "ud2m_pointwise.h"
#include "ud2m_pool.h"
#include "ud2m_types.h"
