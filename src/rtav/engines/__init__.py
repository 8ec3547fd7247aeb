"""What hears, thinks, speaks and looks: one file per engine, found through entry points."""
