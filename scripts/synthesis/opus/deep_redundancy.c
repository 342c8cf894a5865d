/* Codes 16-kHz speech as Opus' Deep Redundancy does and builds it again with the FARGAN vocoder.

   deep_redundancy LEVEL < in.raw > out.raw      (16-bit mono at 16 kHz; LEVEL 0, finest, to 15)

   Features (18 cepstra, pitch, correlation per 10 ms) go through the RDO-VAE encoder, its quantiser
   and its decoder, in pieces of one second as in a packet, newest first. Built against the objects of
   Opus 1.6 (BSD licence); see README.md. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "cpu_support.h"
#include "dred_rdovae_constants.h"
#include "dred_rdovae_dec.h"
#include "dred_rdovae_dec_data.h"
#include "dred_rdovae_enc.h"
#include "dred_rdovae_enc_data.h"
#include "dred_rdovae_stats_data.h"
#include "fargan.h"
#include "lpcnet.h"
#include "lpcnet_private.h"

#define PAIRS_PER_PACKET 50
#define MAX_PAIRS 30000

/* Rounds with the level's dead zone, then scales back: dred_encoder.c without the entropy coder. */
static void quantise(float *x, const opus_uint8 *scale, const opus_uint8 *dead, const opus_uint8 *r, const opus_uint8 *p0, int size) {
  for (int i = 0; i < size; i++) {
    float delta = dead[i] / 256.f, scaled = x[i] * scale[i] / 256.f;
    float q = floorf(.5f + scaled - delta * tanhf(scaled / (delta + .1f)));
    if (r[i] == 0 || p0[i] == 255) q = 0;
    x[i] = q * 256.f / (scale[i] == 0 ? 1 : scale[i]);
  }
}

int main(int argc, char **argv) {
  int level = argc > 1 ? atoi(argv[1]) : 6, arch = opus_select_arch(), pairs = 0;
  static float latents[MAX_PAIRS][DRED_LATENT_DIM + 1], states[MAX_PAIRS][DRED_STATE_DIM];
  static float features[2 * MAX_PAIRS][DRED_NUM_FEATURES];
  static RDOVAEEncState encoder;
  static RDOVAEDecState decoder;
  static RDOVAEEnc encoder_model;
  static RDOVAEDec decoder_model;
  static FARGANState vocoder;
  LPCNetEncState *analysis = lpcnet_encoder_create();
  opus_int16 pcm[2 * LPCNET_FRAME_SIZE];

  if (level < 0 || level > 15) return 1;
  if (init_rdovaeenc(&encoder_model, rdovaeenc_arrays) || init_rdovaedec(&decoder_model, rdovaedec_arrays)) return 1;
  while (pairs < MAX_PAIRS && fread(pcm, sizeof(*pcm), 2 * LPCNET_FRAME_SIZE, stdin) == 2 * LPCNET_FRAME_SIZE) {
    float frame[2][NB_TOTAL_FEATURES], input[2 * DRED_NUM_FEATURES];
    for (int k = 0; k < 2; k++) {
      lpcnet_compute_single_frame_features(analysis, pcm + k * LPCNET_FRAME_SIZE, frame[k], arch);
      memcpy(input + k * DRED_NUM_FEATURES, frame[k], sizeof(float) * DRED_NUM_FEATURES);
    }
    dred_rdovae_encode_dframe(&encoder, &encoder_model, latents[pairs], states[pairs], input, arch);
    quantise(latents[pairs], dred_latent_quant_scales_q8 + level * DRED_LATENT_DIM, dred_latent_dead_zone_q8 + level * DRED_LATENT_DIM,
             dred_latent_r_q8 + level * DRED_LATENT_DIM, dred_latent_p0_q8 + level * DRED_LATENT_DIM, DRED_LATENT_DIM);
    latents[pairs][DRED_LATENT_DIM] = level * .125f - 1;
    quantise(states[pairs], dred_state_quant_scales_q8 + level * DRED_STATE_DIM, dred_state_dead_zone_q8 + level * DRED_STATE_DIM,
             dred_state_r_q8 + level * DRED_STATE_DIM, dred_state_p0_q8 + level * DRED_STATE_DIM, DRED_STATE_DIM);
    pairs++;
  }
  pairs &= ~1;
  for (int first = 0; first < pairs; first += PAIRS_PER_PACKET) {
    int last = first + PAIRS_PER_PACKET - 1 < pairs ? first + PAIRS_PER_PACKET - 1 : pairs - 1;
    memset(&decoder, 0, sizeof(decoder));
    dred_rdovae_dec_init_states(&decoder, &decoder_model, states[last], arch);
    for (int i = last; i > first; i -= 2) {
      float four[4 * DRED_NUM_FEATURES];
      dred_rdovae_decode_qframe(&decoder, &decoder_model, four, latents[i], arch);
      for (int k = 0; k < 4; k++)
        memcpy(features[2 * i - 2 + k], four + (3 - k) * DRED_NUM_FEATURES, sizeof(float) * DRED_NUM_FEATURES);
    }
  }
  if (pairs < 4) return 1;
  float zeros[320] = {0}, start[5 * NB_FEATURES];
  for (int i = 0; i < 5; i++) memcpy(start + i * NB_FEATURES, features[0], sizeof(float) * NB_FEATURES);
  fargan_init(&vocoder);
  fargan_cont(&vocoder, zeros, start);
  for (int i = 1; i < 2 * pairs; i++) {
    float out[LPCNET_FRAME_SIZE];
    fargan_synthesize(&vocoder, out, features[i]);
    for (int k = 0; k < LPCNET_FRAME_SIZE; k++) pcm[k] = (opus_int16)floorf(.5f + fmaxf(-32767, fminf(32767, 32768 * out[k])));
    fwrite(pcm, sizeof(*pcm), LPCNET_FRAME_SIZE, stdout);
  }
  lpcnet_encoder_destroy(analysis);
  return 0;
}
