/* Prints the bits per dimension of a picture file under an exported model, with TensorFlow's C API.

   TF=$(python -c 'import tensorflow as tf; print(tf.sysconfig.get_lib())')
   gcc examples/bits_per_dim.c -o bits_per_dim -I$TF/include -L$TF \
       -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,$TF
   ./bits_per_dim runs/mnist5k/export/2200 digit.png
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensorflow/c/c_api.h"

static void fail(const char* what, const char* why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

/* The tensor of an input or output; assets.extra/tensors.txt lists them, a line each. */
static TF_Output tensor(TF_Graph* graph, const char* export, const char* side, const char* name) {
  char path[4096], signature[256], a_side[256], a_name[256], operation[256];
  int index;
  snprintf(path, sizeof path, "%s/assets.extra/tensors.txt", export);
  FILE* file = fopen(path, "r");
  if (!file) fail(path, "cannot be read");
  while (fscanf(file, "%255s %255s %255s %255[^:]:%d", signature, a_side, a_name, operation, &index) == 5)
    if (!strcmp(signature, "serving_default") && !strcmp(a_side, side) && !strcmp(a_name, name)) {
      fclose(file);
      return (TF_Output){TF_GraphOperationByName(graph, operation), index};
    }
  fail(path, "has no such tensor");
  abort();
}

int main(int argc, char** argv) {
  if (argc != 3) fail("usage", "bits_per_dim EXPORT PICTURE");
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  const char* tags = "serve";
  TF_Session* session = TF_LoadSessionFromSavedModel(
      TF_NewSessionOptions(), NULL, argv[1], &tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(argv[1], TF_Message(status));

  FILE* file = fopen(argv[2], "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail(argv[2], "cannot be read");
  size_t size = ftell(file);
  char* bytes = malloc(size);
  rewind(file);
  if (fread(bytes, 1, size, file) != size) fail(argv[2], "cannot be read");

  int64_t one = 1;
  TF_Tensor* picture = TF_AllocateTensor(TF_STRING, &one, 1, sizeof(TF_TString));
  TF_TString* element = TF_TensorData(picture);
  TF_StringInit(element);
  TF_StringCopy(element, bytes, size);
  TF_Output input = tensor(graph, argv[1], "inputs", "image_bytes");
  TF_Output output = tensor(graph, argv[1], "outputs", "bits_per_dim");
  TF_Tensor* result;
  TF_SessionRun(session, NULL, &input, &picture, 1, &output, &result, 1, NULL, 0, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(argv[2], TF_Message(status));
  printf("%.4f\n", *(float*)TF_TensorData(result));
  return 0;
}
