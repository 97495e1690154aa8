class String
  def shouted = upcase
end
