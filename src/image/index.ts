export {
  type BuildOptions,
  type BuiltImage,
  buildImage,
  PACKAGE_SOURCES,
} from './build-image.js';
export { type InspectedImage, inspectImage } from './inspect-image.js';
