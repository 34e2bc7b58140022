//! The terminal workbench. (workbench)
