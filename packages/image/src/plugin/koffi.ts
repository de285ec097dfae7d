/** In the place of koffi: each platform would need a native library of its own. */
import { withoutKoffi } from '../without-koffi.ts';

export default withoutKoffi('it is the plugin of kubectl');
