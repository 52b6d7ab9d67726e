/* Where a pass's time goes: seconds by kind of sub-layer, all blocks together. The session's caller hands them in and reads them; nobody
 * else has them, and results do not depend on them. */
#ifndef MODEL_LAPS_H
#define MODEL_LAPS_H

typedef enum t5_lap {
    T5_LAP_ENCODER_SELF, T5_LAP_ENCODER_FF,
    T5_LAP_SOURCE, /* keys and values of the source, for all blocks at once where it is projected */
    T5_LAP_DECODER_SELF, T5_LAP_DECODER_CROSS, T5_LAP_DECODER_FF,
    T5_N_LAPS
} t5_lap;

typedef struct t5_laps {
    double since; /* when the last lap ended */
    double seconds[T5_N_LAPS];
} t5_laps;

/* A lap begins; laps NULL: nobody asks. */
void t5_laps_begin(t5_laps *laps);

/* One ends, and the next begins. */
void t5_laps_end(t5_laps *laps, t5_lap lap);

#endif
