"""The methods of synthesis: each fits codes and draws codes, and knows nothing of cells.

threads          libraries that compute on one thread
drawing          rows under conditions, for methods that have no way of their own
cart             one tree after the other, each column given those before it
cart_stages      the axes in the order they are drawn in, those of many codes group by group
cart_targets     what a tree is to tell
cart_scores      codes as numbers that trees can split
cart_trees       trees, grown and taken apart
cart_walk        the kernel that sends rows down them
cart_donors      whose codes are drawn in a leaf, and what is mixed into it
cart_kin         codes that may stand for one another
cart_particles   rows drawn stage by stage, under conditions too
gaussian_copula  the margins, and the correlations of normals that the axes are cut from
copula_cells     codes in few cells, and how many rows each pair of cells has
copula_splits    an axis as nested splits, each with a normal of its own
copula_scores    a normal cut into parts, and what these mean on it
copula_correlations  the correlations of these normals
copula_conditions    these normals under conditions
dp_marginals     noisy marginals, chosen and measured with differential privacy
dp_accounting    what that may spend, and what is left
dp_noise         where its noise comes from, and which rows of a person take part
dp_measuring     all that it learns of a table
dp_bins          codes pooled by their noisy counts
dp_selection     which marginals are measured
dp_tree          the graphical model: what it says, and rows drawn from it
dp_estimate      the model that agrees best with what was measured
sdv_models       CTGAN, TVAE, CopulaGAN and the copula of SDV
sdv_columns      the columns that SDV is given, of codes alone, and what it is told of them
sdv_apart        SDV without its files, processes, warnings and global random numbers
"""
