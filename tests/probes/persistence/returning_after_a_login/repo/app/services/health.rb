class Health
  def ok? = SQLite3::Database.new(":memory:").get_first_value("SELECT 1") == 1
end
