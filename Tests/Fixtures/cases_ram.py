FOLDER='ram'
