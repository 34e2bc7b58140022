//! Whole documents from a file, standard input (`-`) or, through `ops`, a ConfigMap. (cli)
