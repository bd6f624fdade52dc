// Run by `npm test`. One file or folder: NODE_OPTIONS=--experimental-vm-modules npx jest tests/js/uri
export default {
  testMatch: ['<rootDir>/tests/{js,interop,package}/**/*.test.js'],
  // The sources are what Node.js runs: nothing is transformed.
  transform: {},
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/bench/'],
};
