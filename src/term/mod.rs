//! The edge to the terminal: enter, leave, color depth, keys. (workbench)
