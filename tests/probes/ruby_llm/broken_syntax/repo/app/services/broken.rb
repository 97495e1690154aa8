class Broken
  def call(
    if x then [
  end
  @@ = }}
