// SPDX-License-Identifier: Apache-2.0
// The shared price models: one row each, by what they charge for a climb.
#include "rating/price.h"

price_climb_rate *const price_climbs[PRICE_MODEL_COUNT] = {
    [PRICE_GRADUATED] = price_graduated_climb,   [PRICE_VOLUME] = price_volume_climb,
    [PRICE_PACKAGE] = price_package_climb,       [PRICE_STAIRSTEP] = price_stairstep_climb,
    [PRICE_PERCENTAGE] = price_percentage_climb, [PRICE_FLAT] = price_flat_climb,
};
