// Bodies that attract each other: square roots, divisions, and long chains of sums.
#include "real.h"
#define BODIES 5

static struct body {
    real x, y, z, vx, vy, vz, mass;
} bodies[BODIES];

static void advance(real step)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            real dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            real squared = dx * dx + dy * dy + dz * dz + (real)0.01;
            real strength = step / (squared * square_root(squared));
            a->vx -= dx * b->mass * strength;
            a->vy -= dy * b->mass * strength;
            a->vz -= dz * b->mass * strength;
            b->vx += dx * a->mass * strength;
            b->vy += dy * a->mass * strength;
            b->vz += dz * a->mass * strength;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        struct body *body = &bodies[i];
        body->x += step * body->vx;
        body->y += step * body->vy;
        body->z += step * body->vz;
    }
}

void main(void)
{
    u64 state = 31415, sum = 0;
    for (int i = 0; i < BODIES; i++) {
        struct body *body = &bodies[i];
        body->x = 4 * next_real(&state) - 2;
        body->y = 4 * next_real(&state) - 2;
        body->z = next_real(&state) - (real)0.5;
        body->vx = -body->y / 2;
        body->vy = body->x / 2;
        body->mass = i == 0 ? 4 : next_real(&state) / 10;
    }
    for (u64 round = 0; round < rounds; round++)
        for (int i = 0; i < 1000; i++) advance((real)0.001);
    for (int i = 0; i < BODIES; i++) {
        sum = mix_bits(sum, bodies[i].x);
        sum = mix_bits(sum, bodies[i].vy);
    }
    print_result("nbody-" NAME, sum);
}
