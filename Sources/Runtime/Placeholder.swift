// Filled by the module's first feature.
