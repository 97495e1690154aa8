class <<<< (((
