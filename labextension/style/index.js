import './base.css';
import './parts.css';
import './panel.css';
import './browser.css';
